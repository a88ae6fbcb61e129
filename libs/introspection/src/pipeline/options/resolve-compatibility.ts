import type { Compatibility } from '../../protocol/compatibility.js';
import type { OptionGroup } from './option-group.js';

/** Checks the switches for servers that depart from the RFCs; each is off unless written. */
export function resolveCompatibility(group: OptionGroup): Compatibility {
  const switches = ['scopeArrays', 'zeroExpNeverExpires', 'numericStrings', 'anyContentType', 'omitTokenTypeHint'];
  group.allowOnly(['basicEncoding', 'scopeSeparator', ...switches]);
  const only = (name: string, value: string): boolean => {
    if (group.has(name) && group.get(name) !== value) group.refuse(name, `give '${value}', or leave it out`);
    return group.get(name) === value;
  };
  return {
    rawBasicEncoding: only('basicEncoding', 'raw'),
    scopeSeparator: only('scopeSeparator', ',') ? ',' : ' ',
    scopeArrays: group.boolean('scopeArrays', false),
    zeroExpNeverExpires: group.boolean('zeroExpNeverExpires', false),
    numericStrings: group.boolean('numericStrings', false),
    anyContentType: group.boolean('anyContentType', false),
    omitTokenTypeHint: group.boolean('omitTokenTypeHint', false),
  };
}
