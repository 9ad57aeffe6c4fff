"""Named, versioned descriptor sets: each turns a chunk of crystals into an array with named columns."""
