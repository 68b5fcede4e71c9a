// Makes tarballs of packages that were laid out, and says what each weighs once it is installed.
import { spawnSync } from "node:child_process"
import { lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Manifest, readRoot } from "./manifest.ts"

const npm = (folder: string, ...args: ReadonlyArray<string>): void => {
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd: folder, encoding: "utf8" })
  if (status !== 0) throw new Error(`npm ${args.join(" ")}\n${stdout}${stderr}`)
}

/** The name that npm gives to a package's tarball. */
export const tarballOf = ({ name }: Manifest): string =>
  `${name.replace("@", "").replace("/", "-")}-${readRoot().version}.tgz`

/** A package and all of ours that it stands on. */
export const withOurs = (manifest: Manifest, manifests: ReadonlyArray<Manifest>): ReadonlyArray<Manifest> => {
  const below = manifests.filter(({ name }) => manifest.dependencies.includes(name))
  return [...new Set([manifest, ...below.flatMap((each) => withOurs(each, manifests))])]
}

const MEBIBYTE = 2 ** 20

const sizeOf = (path: string): number => {
  const stat = lstatSync(path)
  return stat.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0) : stat.size
}

const packagesIn = (modules: string): number =>
  readdirSync(modules).reduce((sum, name) => {
    if (name.startsWith(".")) return sum
    const path = join(modules, name)
    if (name.startsWith("@")) return sum + packagesIn(path)
    const inner = readdirSync(path).includes("node_modules") ? packagesIn(join(path, "node_modules")) : 0
    return sum + 1 + inner
  }, 0)

/** Installs a package into an empty folder, as somebody would who wants nothing else, and measures the folder. */
const weigh = (manifest: Manifest, manifests: ReadonlyArray<Manifest>, dist: string) => {
  const folder = mkdtempSync(join(tmpdir(), "conclave-package-"))
  try {
    writeFileSync(join(folder, "package.json"), '{ "private": true }')
    const tarballs = withOurs(manifest, manifests).map((each) => join(dist, tarballOf(each)))
    npm(folder, "install", "--no-audit", "--no-fund", ...tarballs)
    const modules = join(folder, "node_modules")
    return { bytes: sizeOf(modules), packages: packagesIn(modules) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Makes a tarball of each package in `dist`, and prints what it weighs: alone, and installed with all that it needs. */
export const pack = (manifests: ReadonlyArray<Manifest>, dist: string): void => {
  for (const { folder } of manifests) npm(dist, "pack", `./${folder}`, "--pack-destination", ".")
  console.log(`${"tarball".padEnd(36)}${"KiB".padStart(8)}  ${"installed".padStart(12)}`)
  for (const manifest of manifests) {
    const tarball = tarballOf(manifest)
    const kibibytes = (lstatSync(join(dist, tarball)).size / 1024).toFixed(0)
    const { bytes, packages } = weigh(manifest, manifests, dist)
    const installed = `${(bytes / MEBIBYTE).toFixed(0)} MiB in ${packages} packages`
    console.log(`${tarball.padEnd(36)}${kibibytes.padStart(8)}  ${installed}`)
  }
}
