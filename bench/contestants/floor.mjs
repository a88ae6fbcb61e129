/** The API without any guard. */
export function setUp() {
  return {};
}
