/** What the admin API answers, as the program defines it: types alone, of its build. */
export type * from '../../dist/admin/api.js';
