#!/usr/bin/env node
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

// SIGUSR1 has Node.js open its inspector, a door of its own, for as long as nobody listens for it.
if (process.argv[2] === 'run') process.on('SIGUSR1', () => undefined);

// Nearly all that the set-up of a tunnel makes dies young, so V8's young generation stays small: two mebibytes for each half. By default it
// grows to 16 with the first busy second, which was four fifths of what five thousand idle tunnels weighed; with the one it begins with, a
// set-up takes four per cent more CPU.
// Only `run` lives by that: commands that read a million lines are faster with what V8 chooses.
// V8 reads its flags anew at each collection, but its sizes only before it runs: so it is made to grow once, and then told to stay.
const COMMITTED_BYTES = 2 * 2 * 1024 * 1024;
if (process.argv[2] === 'run') {
  setFlagsFromString('--no-parallel-scavenge');
  for (let kept = []; youngGenerationBytes() < COMMITTED_BYTES && kept.length < 1000;)
    kept.push(new Array(1024).fill(0));
  setFlagsFromString('--semi-space-growth-factor=1');
}
// What `learn` keeps grows to a hundred mebibytes with a million hosts. By default V8 would let as much garbage gather beside it.
if (process.argv[2] === 'learn') {
  setFlagsFromString('--heap-growing-percent=20');
  setFlagsFromString('--semi-space-growth-factor=1');
}

await import('../dist/main.js');

function youngGenerationBytes() {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? COMMITTED_BYTES;
}
