#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// Nearly all that the set-up of a tunnel makes dies young, so V8's young generation stays at its first size, a mebibyte for each half. By
// default it grows to 16 with the first busy second: that was four fifths of what five thousand idle tunnels weighed.
// The price is more scavenges: a saturated set-up takes a tenth more CPU than with 16 (106-114 us to 96-101, two runs each).
// Here, before the program's own modules make it grow; V8 reads both flags anew at each collection.
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--no-parallel-scavenge');

await import('../dist/main.js');
