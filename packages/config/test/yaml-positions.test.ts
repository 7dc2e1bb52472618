import { describe, expect, it } from 'vitest';
import { parseYamlDocument } from '../src/yaml-document.ts';
import { createLocate } from '../src/yaml-positions.ts';
import { readYamlValues } from '../src/yaml-values.ts';
import { finish } from '../src/steps.ts';

const text = `# a comment
listeners:
  - name: a
    bind: [ "x", y ]
    limits: { tunnels: 5 }
policy:
  rules:
    - hosts:
        - &host b
  more: *host
dns:
nothing: ~
`;

function places() {
  const document = finish(parseYamlDocument(text));
  if (document.kind === 'invalid') throw new Error('the text is no YAML');
  return createLocate(document, readYamlValues(document.root, {}));
}

describe('createLocate', () => {
  it.each([
    ['a value', ['listeners', 0, 'name'], 3, 11],
    ['a value in a list in one line', ['listeners', 0, 'bind', 1], 4, 18],
    ['a list in one line', ['listeners', 0, 'bind'], 4, 11],
    ['a value in a map in one line', ['listeners', 0, 'limits', 'tunnels'], 5, 24],
    ['an entry of a list at its first key', ['listeners', 0], 3, 5],
    ['a block at its key', ['policy', 'rules'], 7, 3],
    ['a list entry below its key', ['policy', 'rules', 0, 'hosts', 0], 9, 17],
    ['an alias where it is used', ['policy', 'more'], 10, 9],
    ['a key with nothing behind it at the key', ['dns'], 11, 1],
    ['a null at the null', ['nothing'], 12, 10],
    ['a missing key at what should have it', ['listeners', 0, 'mode'], 3, 5],
    ['a missing entry at its list', ['listeners', 0, 'bind', 9], 4, 11],
    ['something below a value at the value', ['listeners', 0, 'name', 'x', 3], 3, 11],
    ['a missing key of the whole file at its first', ['absent'], 2, 1],
    ['the whole file at its first key', [], 2, 1],
  ])('finds %s', (_, path, line, column) => {
    expect(places().locate(path)).toEqual({ line, column });
  });

  it('finds keys apart from their values', () => {
    expect(places().locateKey(['listeners', 0, 'limits', 'tunnels'])).toEqual({ line: 5, column: 15 });
  });
});
