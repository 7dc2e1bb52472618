/**
 * After so long without work the process may have been stopped, in milliseconds. When it goes on, a signal that came meanwhile may be on
 * its way by another thread, behind what the kernel has queued: without a wait, clients that were queued would be served before a SIGTERM.
 */
export const LONG_AWAY_MS = 200;

/** How long that other thread needs at most, as a rule, in milliseconds. */
export const SIGNAL_WAIT_MS = 1;
