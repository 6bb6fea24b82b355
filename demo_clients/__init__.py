"""Three relying parties that trust the provider as strangers do: by discovery and by checking its signatures.

`shop` and `bank` are web applications on origins of their own, `mobile` is a native application. They share
`relying_party`, which is the example to read when an application of one's own is to sign people in.
"""
