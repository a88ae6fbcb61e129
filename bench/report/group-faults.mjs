/**
 * Puts requests that were answered wrong in the same way into one text.
 *
 * @param {string[]} faults as `name: what is wrong`
 * @returns {string[]} as `what is wrong (names)`
 */
export function groupFaults(faults) {
  const groups = new Map();
  for (const fault of faults) {
    const end = fault.lastIndexOf(': ');
    const wrong = fault.slice(end + 2);
    groups.set(wrong, [...(groups.get(wrong) ?? []), fault.slice(0, end)]);
  }
  return [...groups].map(([wrong, names]) => `${wrong} (${names.join(', ')})`);
}
