/** How long a test waits for what must come, in milliseconds. An emulator takes ten times as long for all. */
export const PATIENCE_MS = process.env['SALLYPORT_TEST_PROGRAM'] === undefined ? 30_000 : 100_000;
