/** Every attack by its name. A case gets the places once and returns the function that each round calls. */
import type { Places } from '../stage.ts';
import { adminCases } from './admin.ts';
import { bypassCases } from './bypass.ts';
import { dnsCases } from './dns.ts';
import { garbageCases } from './garbage.ts';
import { helloCases } from './hello.ts';
import { identityCases } from './identity.ts';
import { requestCases } from './requests.ts';
import { responseCases } from './responses.ts';
import { slowCases } from './slow.ts';

export type Case = (places: Places) => (round: number) => Promise<unknown>;

export const CASES: Readonly<Record<string, Case>> = {
  ...helloCases,
  ...dnsCases,
  ...requestCases,
  ...responseCases,
  ...identityCases,
  ...adminCases,
  ...slowCases,
  ...bypassCases,
  ...garbageCases,
};

export function caseNames(only: string): readonly string[] {
  const names = Object.keys(CASES).filter((name) => name.includes(only));
  if (names.length === 0) throw new Error(`no case holds ${only}; there are ${Object.keys(CASES).join(', ')}`);
  return names;
}
