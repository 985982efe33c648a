"""``bedrock-watch get``: ``aws bedrock get-model-customization-job`` for those who have only this program.

What it prints is, byte for byte, what the AWS CLI prints; the formatters are our own, and the tests run the real
program beside them.  Not its business: watching.
"""
