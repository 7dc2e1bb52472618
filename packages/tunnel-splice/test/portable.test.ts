import { describe } from 'vitest';
import { createPortableTransport } from '../src/index.ts';
import { describeLosses } from './contract/losses.ts';
import { describeTransport } from './transport.contract.ts';

describeTransport('portable', createPortableTransport);

describe('the portable transport without the addon', () => {
  describeLosses(() => createPortableTransport({ addonPath: '/nowhere/tunnel_splice.node' }), 'splice');
});
