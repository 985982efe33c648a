"""Amazon Bedrock, seen from here: what a job kind is, how AWS is asked, and what its refusals mean.

Importing this package is cheap; only ``client``, ``keys`` and what they are made of import the SDK.
Not its business: when to ask, and what the answers mean for people.
"""
