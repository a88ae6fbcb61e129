import type { TestProject } from 'vitest/node';
import { packLibrary } from './pack.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of the packed library. */
    tarball: string;
  }
}

/** One tarball for all files of a run. */
export default function packOnce(project: TestProject): () => void {
  const packed = packLibrary();
  project.provide('tarball', packed.tarball);
  return packed.remove;
}
