/** The folders of this checkout. */
import { fileURLToPath } from 'node:url';

/** The checkout: this file is run from `apps/sallyport/packaging/build`. */
export const root = fileURLToPath(new URL('../../../..', import.meta.url)).replace(/\/$/, '');

/** The sources of packages: templates, scripts, units. */
export const packaging = `${root}/apps/sallyport/packaging`;

/** Where packages are put together; git-ignored. */
export const workshop = `${packaging}/build/stage`;
