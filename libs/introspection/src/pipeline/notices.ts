import type { Clock } from './clock.js';

/** A line for the operator: what is wrong and what to do. A constant text, but for option and claim names. */
export interface Notice {
  readonly level: 'warn' | 'error';
  readonly text: string;
}

/** Where notices go: Nest's logger, or the process's warnings. */
export type NoticeSink = (notice: Notice) => void;

const QUIET_MS = 60_000;

/** Lets each text through once a minute, so that a flood of bad tokens is no flood of lines. Texts are constants: few. */
export function createQuietNotices(sink: NoticeSink, clock: Clock): NoticeSink {
  const saidAtMs = new Map<string, number>();
  return (notice) => {
    const now = clock.now();
    const last = saidAtMs.get(notice.text);
    if (last !== undefined && now - last < QUIET_MS && now >= last) return;
    saidAtMs.set(notice.text, now);
    sink(notice);
  };
}

/** The default outside Nest: `process.emitWarning`, which prints once to stderr and can be listened to. */
export const processNotices: NoticeSink = ({ text }) => process.emitWarning(text, 'IntrospectionWarning');
