/** The panel of the last reload and its error. */
import type { StatusReply } from './api.ts';
import { element, part, setTerms } from './dom.ts';
import { agoText } from './figures.js';

export function createConfiguration() {
  const list = element('dl');
  part('reload', HTMLElement).append(list);
  return {
    show({ reload, started, now, control, report_only, doors }: StatusReply): void {
      const reporting = report_only
        ? 'everywhere'
        : doors
            .filter((door) => door.report_only)
            .map(({ name }) => name)
            .join(', ');
      setTerms(list, [
        ['Started', agoText(started, now)],
        ['Last reload', reload ? `${reload.result}, ${agoText(reload.at, now)}` : 'none'],
        ...(reload?.problems ?? []).map((problem) => ['Problem', problem] as const),
        ['Report only', reporting === '' ? 'nowhere' : reporting],
        ['Ending tunnels from here', control ? 'on' : 'off (admin.control)'],
      ]);
    },
  };
}
