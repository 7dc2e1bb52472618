/** The paths of the benchmark, and the cores of proxy and load. */
import { join } from 'node:path';

// This file runs from test/bench/build.
const benchFolder = join(import.meta.dirname, '..');

export const loadSources = join(benchFolder, 'load');
export const buildFolder = join(benchFolder, 'build');
/** The scripts that bring clients to an intercepting door. */
export const interceptRecipes = join(benchFolder, '..', '..', 'configs', 'intercept');
export const sallyportBinary = join(benchFolder, '..', '..', 'apps', 'sallyport', 'bin', 'sallyport.js');

/** As taskset takes them. */
export const loadCore = '0';
export const proxyCore = '1';

/** The name that every ClientHello asks for; every proxy takes it for 127.0.0.1. */
export const serverName = 'origin.test';
