"""Which files go into git as they are and which to Git LFS, by the rules of the real Hub."""

from pathlib import PurePosixPath

REGULAR_LIMIT = 10 * 10**6  # bytes; the Hub accepts no larger file outside of LFS

# The endings in the .gitattributes that the Hub puts into new repositories, models' and datasets' together.
LFS_ENDINGS = tuple(
    "7z aac arrow avro bin bmp bz2 ckpt flac ftz gif gz h5 jpeg jpg joblib lz4 mds mlmodel model mp3 mp4 msgpack npy"
    " npz ogg onnx ot parquet pb pcm pickle pkl png pt pth rar raw safetensors sam tar tflite tgz tiff wasm wav webm"
    " webp xz zip zst".split()
)
GIT_ATTRIBUTES = "".join(f"*.{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in LFS_ENDINGS).encode()


def is_lfs(path: str, size: int, sample: bytes) -> bool:
    """Whether a file of `size` bytes that begins with `sample` is kept by Git LFS."""
    ending = PurePosixPath(path).suffix.lower().removeprefix(".")
    return size >= REGULAR_LIMIT or ending in LFS_ENDINGS or "tfevents" in path or b"\0" in sample
