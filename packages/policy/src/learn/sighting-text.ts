/** Describes how often a host was requested, by which clients and when, in one line that is safe in a YAML comment. */
import type { Sighting } from './sightings.ts';

/** How many names a folded pattern shows. */
const SHOWN = 3;

/** `12 times by ci, 10.0.0.7 and others, 2026-11-01 to 2026-11-28; denied 12 times`. */
export function describeSightings(sightings: readonly Sighting[], pattern: string): string {
  const count = sum(sightings, (each) => each.count);
  const denied = sum(sightings, (each) => each.denied);
  return [
    `${times(count)} by ${whoText(sightings)}${whenText(sightings)}`,
    ...(denied > 0 ? [`denied or reported ${times(denied)}`] : []),
    ...(pattern.startsWith('*.') ? [`as ${hostsText(sightings)}`] : []),
  ].join('; ');
}

/** Text that a client chose, without characters that could end a comment or reverse the direction of text. */
export function asComment(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function whoText(sightings: readonly Sighting[]): string {
  const all = [...new Set(sightings.flatMap(({ who }) => who))];
  const hasOthers = all.length > SHOWN || sightings.some(({ othersAsked }) => othersAsked);
  const named = all.slice(0, SHOWN).map((who) => asComment(who).slice(0, 100));
  return `${named.join(', ')}${hasOthers ? ' and others' : ''}`;
}

function whenText(sightings: readonly Sighting[]): string {
  const first = sightings.reduce((least, each) => Math.min(least, each.firstDay ?? Infinity), Infinity);
  const last = sightings.reduce((most, each) => Math.max(most, each.lastDay ?? -Infinity), -Infinity);
  if (first > last) return '';
  return first === last ? `, ${dayText(first)}` : `, ${dayText(first)} to ${dayText(last)}`;
}

function dayText(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

function hostsText(sightings: readonly Sighting[]): string {
  const hosts = [...new Set(sightings.map(({ host }) => host))];
  const more = hosts.length - SHOWN;
  return `${hosts.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function sum(sightings: readonly Sighting[], of: (sighting: Sighting) => number): number {
  return sightings.reduce((total, sighting) => total + of(sighting), 0);
}
