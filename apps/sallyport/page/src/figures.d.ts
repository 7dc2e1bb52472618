/** How figures are written is one thing, here and in the terminal: the program's own module, served beside the page's. */
export * from '../../dist/figures.js';
