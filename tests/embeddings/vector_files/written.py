"""Files of word vectors in every format, written by hand."""

import numpy as np

KEYS = ["chien", "犬", "l'eau", "naïve"]
VECTORS = np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32)


def text(keys=KEYS, vectors=VECTORS):
    rows = "".join(f"{key} {' '.join(map(str, row))}\n" for key, row in zip(keys, vectors, strict=True))
    return f"{len(keys)} {vectors.shape[1]}\n{rows}".encode()


def binary(keys=KEYS, vectors=VECTORS, end=b"\n"):
    rows = b"".join(k.encode() + b" " + row.astype("<f4").tobytes() + end for k, row in zip(keys, vectors, strict=True))
    return f"{len(keys)} {vectors.shape[1]}\n".encode() + rows


def put(folder, name, data):
    (folder / name).write_bytes(data)
    return folder


def put_array(folder, array, keys="en.keys"):
    np.save(folder / "en.npy", array)
    return put(folder, keys, "\n".join(KEYS).encode() + b"\n")
