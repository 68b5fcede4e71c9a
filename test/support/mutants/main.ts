// `npm run sim:mutants [-- WORD…]`: how soon the simulation notices each deliberate defect that has the words in its name.
// Exit code 1 if one is not noticed. Those of which it is known are hunted only if they are named.
import { availableParallelism } from "node:os"
import { MUTANTS } from "./all.ts"
import { hunt, removeLeftCopies } from "./hunt.ts"
import type { Mutant } from "./mutant.ts"

removeLeftCopies()
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130))

const rows = new Map<Mutant, string>()
const words = process.argv.slice(2)
const wanted = MUTANTS.filter(({ defect }) => words.every((word) => defect.includes(word)))
const queue = wanted.filter(({ survives }) => survives === undefined || words.length > 0)

const work = async (): Promise<void> => {
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const { runs, law, detail } = await hunt(mutant)
    const noticed = law !== undefined && mutant.laws.test(law)
    if (!noticed && mutant.survives === undefined) process.exitCode = 1
    const not = mutant.survives === undefined ? "NOT NOTICED" : `not noticed: ${mutant.survives}`
    const what = law === undefined ? not : `${noticed ? "" : "BY ANOTHER LAW: "}${law}`
    rows.set(mutant, `| ${mutant.defect} | ${mutant.faults ?? "all"} | ${runs} of ${mutant.within} | ${what} |`)
    console.log(`${rows.get(mutant)} ${detail.slice(0, 120).replaceAll("\n", " ")}`)
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, work))
console.log("\n| defect | faults | runs | noticed by |\n| --- | --- | --- | --- |")
for (const mutant of wanted) {
  console.log(
    rows.get(mutant) ?? `| ${mutant.defect} | ${mutant.faults ?? "all"} | | not noticed: ${mutant.survives} |`
  )
}
