#!/usr/bin/env node
import { readdirSync, statSync } from 'node:fs';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

// Without a listener for SIGUSR1, Node.js opens its inspector at that signal, which is a listening port. Without one for SIGUSR2 and SIGHUP,
// these end the process. At this moment they need no other answer: the configuration and the log are still to be opened.
// SIGTERM and SIGINT end it cleanly as long as nothing else listens for them: nothing is open then. The first process of a container would
// not even be ended by them without a listener.
if (process.argv[2] === 'run') {
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(0);
    });
  for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGHUP']) process.on(signal, () => undefined);
}

// Nearly all objects of a tunnel's set-up are short-lived, so V8's young generation is kept small: two mebibytes for each half. By
// default it grows to 16 with the first busy second, which was four fifths of the memory of five thousand idle tunnels. With the one
// mebibyte that it begins with, a set-up takes four per cent more CPU. This is only for `run`: commands that read a million lines are
// faster with V8's own choice. V8 reads its flags anew at each collection, but its sizes only before it runs. So it is made to grow once,
// and then told to stay.
const COMMITTED_BYTES = 2 * 2 * 1024 * 1024;
if (process.argv[2] === 'run') {
  setFlagsFromString('--no-parallel-scavenge');
  for (let kept = []; youngGenerationBytes() < COMMITTED_BYTES && kept.length < 1000;)
    kept.push(new Array(1024).fill(0));
  setFlagsFromString('--semi-space-growth-factor=1');
  // A set-up is many short functions. With more room for them in each compiled one it takes one to four per cent less CPU, and the process
  // one mebibyte more. Ten times the room saves as much again, but takes sixteen mebibytes and more compiling.
  setFlagsFromString('--max-inlined-bytecode-size-small=60');
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=1500');
}
// What `learn` keeps grows to a hundred mebibytes with a million hosts. By default V8 would let as much garbage gather beside it.
if (process.argv[2] === 'learn') {
  setFlagsFromString('--heap-growing-percent=20');
  setFlagsFromString('--semi-space-growth-factor=1');
}

await import(isBundled() ? '../dist/bundle/main.js' : '../dist/main.js');

function youngGenerationBytes() {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? COMMITTED_BYTES;
}

/** The bundle is the same program in a tenth of the files. In a clone the compiler may have run since it was made: then it is not used. */
function isBundled() {
  const made = timeOf('../dist/bundle/main.js');
  const packages = '../node_modules/@sallyport';
  const folders = ['..', ...readdirSync(new URL(packages, import.meta.url)).map((name) => `${packages}/${name}`)];
  return folders.every((folder) => timeOf(`${folder}/dist/tsconfig.tsbuildinfo`) <= made);
}

/** In milliseconds; 0 for a file that is not there. */
function timeOf(file) {
  return statSync(new URL(file, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
