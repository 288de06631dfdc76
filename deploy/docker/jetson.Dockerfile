# FOCUS on a Jetson: TensorRT, the CUDA kernels and ONNX Runtime on the processor. Build it on the Jetson, in the
# repository's folder:
#
#   docker build -f deploy/docker/jetson.Dockerfile -t focus:jetson .
#   docker run --rm --runtime nvidia -v "$PWD/data:/data" focus:jetson
#
# That is for JetPack 6 (CUDA 12.6, TensorRT 10.3, Python 3.10). For JetPack 7.2 (CUDA 13.2, TensorRT 10.16) add
#
#   --build-arg BASE=nvcr.io/nvidia/tensorrt:26.05-py3 \
#   --build-arg CUDA_PACKAGES="cuda-bindings==13.2.0 nvidia-cuda-nvrtc==13.2.86"
#
# Not built or run yet: the registry of the base images and a Jetson are out of reach where this was written.

ARG BASE=nvcr.io/nvidia/l4t-tensorrt:r10.3.0-runtime

FROM python:3.12-slim-bookworm AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM ${BASE}
# What fits the base's CUDA: code that a newer NVRTC makes does not load in the driver.
ARG CUDA_PACKAGES="cuda-bindings==12.9.10 nvidia-cuda-nvrtc-cu12==12.6.85"
# NVIDIA's images may name constraints that the locked versions contradict.
ENV PIP_CONSTRAINT="" PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# The base's release decides on the versions of its own packages.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*

# TensorRT for Python belongs to the base's own Python, and the environment has to see it. CUDA_PACKAGES are several.
# hadolint ignore=SC2086
COPY requirements/edge.txt /tmp/edge.txt
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    python3 -m venv --system-site-packages /opt/focus \
    && /opt/focus/bin/python -m pip install --require-hashes --only-binary :all: -r /tmp/edge.txt \
    && /opt/focus/bin/python -m pip install --no-deps /wheel/*.whl \
    && /opt/focus/bin/python -m pip install --only-binary :all: $CUDA_PACKAGES \
    && rm /tmp/edge.txt

# The group of the device files of GPU and cameras is video, as on the Jetson itself.
RUN useradd --uid 990 --user-group --create-home --groups video focus \
    && install -d -o focus -g focus /data /data/cache
ENV PATH=/opt/focus/bin:$PATH \
    FOCUS_CACHE=/data/cache \
    NUMBA_CACHE_DIR=/data/cache/numba \
    MPLCONFIGDIR=/data/cache/matplotlib
USER 990
WORKDIR /data
VOLUME /data

# A run that fails ends, and its exit code tells; there is no server to ask for its health.
HEALTHCHECK NONE
ENTRYPOINT []
CMD ["focus-doctor"]
