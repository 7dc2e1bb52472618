// Loaded into the proxy under attack, only for the measurement: SIGWINCH makes it collect its garbage.
process.on('SIGWINCH', () => globalThis.gc?.());
