/**
 * Lets the parent process call these functions, one message each way.
 *
 * @param {Record<string, (argument: any) => unknown>} functions
 */
export function serveParent(functions) {
  process.on('message', async ({ id, name, argument }) => {
    try {
      process.send({ id, value: await functions[name](argument) });
    } catch (error) {
      process.send({ id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.on('disconnect', () => process.exit());
}
