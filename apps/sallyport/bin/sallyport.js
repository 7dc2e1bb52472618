#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// Nearly all that the set-up of a tunnel makes dies young, so V8's young generation stays at its first size, a mebibyte for each half. By
// default it grows to 16 with the first busy second: that was four fifths of what five thousand idle tunnels weighed, and cold memory for
// every set-up. A scavenge of so little takes a fraction of a millisecond, less than it takes to wake other threads to help.
// Here, before the program's own modules make it grow; V8 reads both flags anew at each collection.
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--no-parallel-scavenge');

await import('../dist/main.js');
