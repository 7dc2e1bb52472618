/** Opens a target by its name. */
import type { FuzzTarget } from '../fuzz-target.ts';
import { clientHelloTarget } from './client-hello.ts';
import { configTarget } from './config.ts';
import { connectHeadTarget } from './connect-head.ts';
import { connectReplyTarget } from './connect-reply.ts';
import { helloMarksTarget } from './hello-marks.ts';
import { hostTarget } from './host.ts';
import type { TargetName } from './names.ts';
import { proxyHeaderTarget } from './proxy-header.ts';
import { openTransportsTarget } from './transports.ts';

export function openTarget(name: TargetName): FuzzTarget {
  switch (name) {
    case 'connect-head':
      return connectHeadTarget;
    case 'client-hello':
      return clientHelloTarget;
    case 'hello-marks':
      return helloMarksTarget;
    case 'host':
      return hostTarget;
    case 'proxy-header':
      return proxyHeaderTarget;
    case 'connect-reply':
      return connectReplyTarget;
    case 'config':
      return configTarget;
    case 'transports':
      return openTransportsTarget();
  }
}
