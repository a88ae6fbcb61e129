/**
 * Microseconds of CPU that a task takes, of all threads of this process.
 *
 * @param {() => unknown} task
 */
export async function cpuMicrosecondsOf(task) {
  const before = process.cpuUsage();
  await task();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
