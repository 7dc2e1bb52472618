/** The data of the Public Suffix List as tldts ships it: a trie of labels, the last label of a name first. */
declare module 'tldts/dist/cjs/src/data/trie.js' {
  /** For each node: 0 where no rule ends there. */
  export const nodeFlags: Uint8Array;
  /** The first edge of each node, and one past the last. */
  export const edgeStart: ArrayLike<number>;
  export const edgeLength: ArrayLike<number>;
  export const edgeChild: ArrayLike<number>;
  /** The labels of all edges, one after the other. */
  export const labelText: string;
  export const rulesRoot: number;
}
