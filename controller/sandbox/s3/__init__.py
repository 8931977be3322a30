"""Amazon S3, as far as sizes of objects go: what lies where, and how large it is."""
