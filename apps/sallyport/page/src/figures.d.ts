/** The page and the terminal format figures by the same module of the program, which is served with the page. */
export * from '../../dist/figures.js';
