/** The types of the admin API's answers, taken from the program's build. */
export type * from '../../dist/admin/api.js';
