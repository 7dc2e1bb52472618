/** The page and the terminal format figures by the same module: the program's own, which is served beside the page's. */
export * from '../../dist/figures.js';
