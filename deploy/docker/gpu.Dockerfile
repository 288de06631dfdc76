# FOCUS on x86-64 with an NVIDIA GPU: TensorRT, ONNX Runtime's CUDA provider, OpenVINO on the processor, the CUDA
# kernels. In the repository's folder:
#
#   docker build -f deploy/docker/gpu.Dockerfile -t focus:gpu .
#   docker run --rm --gpus all -v "$PWD/data:/data" focus:gpu
#
# The base has CUDA 13.2 and TensorRT 10.16, and needs a driver of CUDA 13 (580 or newer). TensorRT is the base's, so the
# extra of that name is not installed.
#
# Not built or run yet: the registry of the base image is out of reach where this was written.

ARG BASE=nvcr.io/nvidia/tensorrt:26.05-py3

FROM python:3.12-slim-bookworm AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM ${BASE}
ARG EXTRAS="gpu,openvino"
# NVIDIA's images may name constraints that the locked versions contradict.
ENV PIP_CONSTRAINT="" PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# The base's release decides on the versions of its own packages.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*

# TensorRT for Python belongs to the base's own Python, and the environment has to see it. onnxruntime and
# onnxruntime-gpu bring the same files, so the first one goes before the second one is put in its place.
COPY requirements/edge.txt /tmp/edge.txt
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    python3 -m venv --system-site-packages /opt/focus \
    && /opt/focus/bin/python -m pip install --require-hashes --only-binary :all: -r /tmp/edge.txt \
    && /opt/focus/bin/python -m pip install --only-binary :all: "$(echo /wheel/*.whl)[$EXTRAS]" \
    && /opt/focus/bin/python -m pip uninstall --yes onnxruntime \
    && /opt/focus/bin/python -m pip install --no-deps --force-reinstall --only-binary :all: onnxruntime-gpu==1.31.1 \
    && rm /tmp/edge.txt

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
