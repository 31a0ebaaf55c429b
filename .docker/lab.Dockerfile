# JupyterLab with the library installed. Build it from the repository's root:
#
#   docker build -f .docker/lab.Dockerfile -t benchlab-lab .
FROM python:3.13.16-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

# 1000 is the first user of most Linux hosts, so that saving a mounted notebook works.
RUN useradd --uid 1000 --create-home --shell /bin/bash lab

COPY . /tmp/source
RUN pip install '/tmp/source[all]' && rm -rf /tmp/source

USER lab
WORKDIR /home/lab
EXPOSE 8888

# /api answers without a token, and says no more than the version.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --start-interval=2s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8888/api', timeout=4)"]

# The token comes from the variable JUPYTER_TOKEN.
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser"]
