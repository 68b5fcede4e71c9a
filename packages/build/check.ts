// Whether a manifest says the truth about what its package imports.
import type { Manifest } from "./manifest.ts"
import type { Reached } from "./modules.ts"

/**
 * What is wrong with the dependencies of a manifest, a sentence each: one that is imported and not named, one that is named and neither
 * imported nor a peer of one of ours, and one that package.json of the checkout has no version of.
 *
 * @param versions - the dependencies of the checkout, by name.
 */
export const dependencyFaults = (
  manifest: Manifest,
  { packages }: Reached,
  manifests: ReadonlyArray<Manifest>,
  versions: Readonly<Record<string, string>>
): ReadonlyArray<string> => {
  const besides = Object.keys(manifest.besides ?? {})
  const shown = [...manifest.dependencies, ...manifest.peerDependencies]
  const ours = manifests.filter(({ name }) => manifest.dependencies.includes(name))
  const peers = ours.flatMap(({ peerDependencies }) => peerDependencies)
  return [
    ...[...packages].filter((name) => !shown.includes(name)).map((name) => `${name} is imported and not named`),
    ...shown
      .filter((name) => !packages.has(name) && !peers.includes(name))
      .map((name) => `${name} is named and not imported`),
    ...[...shown, ...besides]
      .filter((name) => versions[name] === undefined && !manifests.some((each) => each.name === name))
      .map((name) => `${name} has no version in package.json`)
  ].map((fault) => `packages/${manifest.folder}/manifest.json: ${fault}`)
}
