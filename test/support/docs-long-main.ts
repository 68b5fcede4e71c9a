// Runs the commands of README.md and docs/ that take longer than a test may. Exit code 1 if one fails.
import { spawnSync } from "node:child_process"
import { ROOT } from "./command.ts"
import { BLOCKS } from "./docs.ts"
import { LONG } from "./docs-long.ts"

const commands = BLOCKS.flatMap(({ commands }) => commands).filter((command) =>
  LONG.some((start) => command.startsWith(start))
)
const failed = commands.filter((command) => {
  console.log(`\n$ ${command}`)
  return spawnSync("bash", ["-c", command], { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] }).status !== 0
})
console.log(`\n${commands.length - failed.length} commands of the guides succeeded, ${failed.length} failed`)
for (const command of failed) console.log(`  ${command}`)
process.exitCode = failed.length > 0 ? 1 : 0
