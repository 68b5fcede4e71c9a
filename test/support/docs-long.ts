/** Commands of the guides that take longer than a test may: how they begin. */
export const LONG: ReadonlyArray<string> = [
  "npx conclave test-agents --seed 90000 --runs 20",
  "npx conclave backtest ",
  "npx conclave market facts ",
  "npm run sim "
]
