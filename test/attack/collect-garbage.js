// Loaded into the proxy under attack, for the measurement alone: its garbage is collected when it gets SIGWINCH.
process.on('SIGWINCH', () => globalThis.gc?.());
