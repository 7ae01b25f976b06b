#!/bin/sh
# Builds Horovod for a Python that has torch: scripts/horovod.sh .venv/bin/python
# Its last release sets the C++ standard to 14, which the headers of torch 2.5 and later do not compile with; and its extra [spark] wants a pyarrow below 11, so it is not used.
# Tested with Python 3.11, torch 2.15, Spark 4.2, cmake 3, g++ 12.
set -eu

VERSION=0.28.1
python="${1:?usage: scripts/horovod.sh PYTHON}"

if "$python" -c "import horovod.torch, horovod.spark" 2>/dev/null; then
  echo "Horovod is there already"
  exit 0
fi
"$python" -c "import torch" || { echo "horovod.sh: torch must be installed first" >&2; exit 1; }
command -v g++ >/dev/null || { echo "horovod.sh: a C++ compiler (g++) is needed" >&2; exit 1; }

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"$python" -m pip install --quiet "setuptools<81" wheel packaging "cmake<4" cffi cloudpickle psutil pyyaml
PATH="$(dirname "$(command -v "$python")"):$PATH"
export PATH
"$python" -m pip download --quiet --no-deps --no-binary :all: --no-build-isolation --dest "$work" "horovod==$VERSION"
tar -xf "$work/horovod-$VERSION.tar.gz" -C "$work"
for file in CMakeLists.txt horovod/torch/CMakeLists.txt; do
  sed -i 's/CMAKE_CXX_STANDARD 14/CMAKE_CXX_STANDARD 20/' "$work/horovod-$VERSION/$file"
done
echo "building Horovod $VERSION"
HOROVOD_WITH_PYTORCH=1 HOROVOD_WITHOUT_TENSORFLOW=1 HOROVOD_WITHOUT_MXNET=1 HOROVOD_WITHOUT_MPI=1 HOROVOD_WITH_GLOO=1 \
  "$python" -m pip install --quiet --no-deps --no-build-isolation "$work/horovod-$VERSION"
"$python" -c "import horovod.torch, horovod.spark"
