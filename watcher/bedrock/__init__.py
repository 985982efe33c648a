"""Amazon Bedrock, seen from here: what a job kind is, how AWS is asked, and what its refusals mean.

Importing this package is cheap; only ``bedrock.client`` imports aioboto3 and botocore.
Not its business: when to ask, and what the answers mean for people.
"""
