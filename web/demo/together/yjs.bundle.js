// What the page takes of Yjs. The build bundles this module with the package from npm; under Node
// it is what it says.
export {
  applyUpdate,
  createAbsolutePositionFromRelativePosition,
  createRelativePositionFromJSON,
  createRelativePositionFromTypeIndex,
  Doc,
  encodeStateAsUpdate,
  mergeUpdates,
  relativePositionToJSON,
  UndoManager,
} from 'yjs';
