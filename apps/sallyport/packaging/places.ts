/** Where things are in this checkout. */
import { fileURLToPath } from 'node:url';

/** The checkout: this file is run from `apps/sallyport/packaging/build`. */
export const root = fileURLToPath(new URL('../../../..', import.meta.url)).replace(/\/$/, '');

/** Data that packages are made of: templates, scripts, units. */
export const packaging = `${root}/apps/sallyport/packaging`;

/** Where packages are put together; git-ignored. */
export const workshop = `${packaging}/build/stage`;
