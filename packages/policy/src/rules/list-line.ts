/** The result of one line of a list: patterns (none for a comment), or a clause on what is wrong. */
export type ListLine = readonly string[] | { readonly problem: string };
