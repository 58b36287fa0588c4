"""The worker that copies what people send: on a real log, a real S3-compatible server and the real ClamAV."""
