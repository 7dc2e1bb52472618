import { createPortableTransport } from '../src/index.ts';
import { describeTransport } from './transport.contract.ts';

describeTransport('portable', createPortableTransport);
