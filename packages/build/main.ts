// `npm run build`: every package into its folder under dist/. `npm run pack`: each as a tarball in dist/, too.
import { spawnSync } from "node:child_process"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { dependencyFaults } from "./check.ts"
import { layOut } from "./layout.ts"
import { type Manifest, ROOT, readManifests, readRoot } from "./manifest.ts"
import { type Reached, reach } from "./modules.ts"
import { pack } from "./pack.ts"

const DIST = join(ROOT, "dist")
const EMITTED = join(DIST, ".emitted")

/** One compilation of all rooms, with types and maps. Throws with what the compiler says. */
const emit = (): void => {
  const compiler = join(ROOT, "node_modules", ".bin", "tsc")
  const project = join(ROOT, "packages", "tsconfig.emit.json")
  const { status, stdout, stderr } = spawnSync(compiler, ["-p", project, "--outDir", EMITTED], { encoding: "utf8" })
  if (status !== 0) throw new Error(`${stdout}${stderr}`)
}

const build = (): ReadonlyArray<Manifest> => {
  const manifests = readManifests()
  const { dependencies } = readRoot()
  const reached = new Map<Manifest, Reached>(manifests.map((manifest) => [manifest, reach(manifest, manifests)]))
  const faults = manifests.flatMap((manifest) =>
    dependencyFaults(manifest, reached.get(manifest)!, manifests, dependencies)
  )
  if (faults.length > 0) throw new Error(faults.join("\n"))
  rmSync(DIST, { recursive: true, force: true })
  emit()
  for (const manifest of manifests) {
    const served = manifests
      .filter(({ name }) => manifest.served?.includes(name))
      .flatMap((each) => reached.get(each)!.modules)
    const place = { manifest, manifests, emitted: EMITTED, target: join(DIST, manifest.folder) }
    layOut(place, reached.get(manifest)!, served)
  }
  rmSync(EMITTED, { recursive: true })
  return manifests
}

try {
  const manifests = build()
  if (process.argv.includes("--pack")) pack(manifests, DIST)
  else for (const { name, folder } of manifests) console.log(`dist/${folder}: ${name}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
