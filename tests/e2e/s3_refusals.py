"""What the owner of a bucket meets: each as S3 says it, in S3's own words where AWS documents them.

A list, so that what is told to people can be tested (test_s3_errors.py) and written down for them from the same place.
"""
import dataclasses


@dataclasses.dataclass
class Refusal:
    """why: in words for people. op: which request meets it; everything else is carried out."""

    why: str
    status: int
    code: str
    message: str
    exit_code: int
    says: str
    advice: str
    op: str = "PutObject"
    more: str = ""
    headers: dict = dataclasses.field(default_factory=dict)
    flags: list = dataclasses.field(default_factory=list)

    @property
    def name(self):
        return f"{self.code or self.status}-{self.op}-{self.says.split(' ')[-1]}"

    @property
    def rule(self):
        """For fault_proxy.py."""
        return {"op": self.op, "times": 1000, "fault": "answer", "status": self.status, "code": self.code, "message": self.message, "more": self.more, "headers": self.headers}


DENIED = "Access Denied"
OBJECT = "arn:aws:s3:::{bucket}/day=1/k.parquet"
KMS = ["--s3-encryption", "aws:kms"]
LOCKED = "Access Denied because object protected by object lock."

REFUSALS = [
    Refusal("The credentials may not store objects.", 403, "AccessDenied", DENIED, 77, "access denied", f"s3:PutObject and s3:PutObjectTagging on {OBJECT}"),
    Refusal("The credentials may store objects, but not tag them.", 403, "AccessDenied", DENIED, 77, "access denied", f"allow these credentials s3:PutObject on {OBJECT}",
            flags=["--s3-tagging", "none"]),
    Refusal("The credentials may not begin uploads in parts.", 403, "AccessDenied", DENIED, 77, "access denied", f"s3:PutObject and s3:PutObjectTagging on {OBJECT}",
            op="CreateMultipartUpload"),
    Refusal("The credentials may not store parts.", 403, "AccessDenied", DENIED, 77, "cannot store part ", f"s3:PutObject on {OBJECT}", op="UploadPart"),
    Refusal("The credentials may not join parts.", 403, "AccessDenied", DENIED, 77, "cannot join the parts of", f"s3:PutObject on {OBJECT}", op="CompleteMultipartUpload"),
    Refusal("The bucket belongs to another account than is expected.", 403, "AccessDenied", DENIED, 77, "access denied", "belongs to --expected-bucket-owner",
            flags=["--expected-bucket-owner", "123456789012"]),
    Refusal("There is no such bucket.", 404, "NoSuchBucket", "The specified bucket does not exist", 73, "the bucket does not exist", "create bucket '{bucket}'"),
    Refusal("There is no such bucket.", 404, "NoSuchBucket", "The specified bucket does not exist", 73, "the bucket does not exist", "create bucket '{bucket}'",
            op="CreateMultipartUpload"),
    Refusal("A tag has a character that S3 does not take.", 400, "InvalidTag", "The TagValue you have provided is invalid", 78, "The TagValue you have provided is invalid",
            "correct --tag"),
    Refusal("The KMS key may not be used.", 403, "AccessDenied",
            "User: arn:aws:iam::123456789012:user/u is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:123456789012:key/k", 77,
            "the KMS key cannot be used", "kms:GenerateDataKey", flags=KMS),
    Refusal("The KMS key is disabled.", 400, "KMS.DisabledException", "arn:aws:kms:eu-west-1:123456789012:key/k is disabled.", 77, "the KMS key cannot be used", "enabled",
            flags=KMS),
    Refusal("The KMS key does not exist.", 400, "KMS.NotFoundException", "Invalid arn", 77, "the KMS key cannot be used", "bucket's region", flags=KMS),
    Refusal("The bucket is in another region, and S3 does not say in which.", 301, "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint.", 78, "in another region than 'eu-west-1'", "get-bucket-location"),
    Refusal("This machine's clock is wrong, even after it was corrected.", 403, "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.", 77, "this machine's clock is", "timedatectl",
            more="<ServerTime>2001-01-01T00:00:00Z</ServerTime>"),
    Refusal("Temporary credentials have expired.", 400, "ExpiredToken", "The provided token has expired.", 77, "the session token has expired", "AWS_SESSION_TOKEN"),
    Refusal("Temporary credentials have expired while parts were sent.", 400, "ExpiredToken", "The provided token has expired.", 77, "the session token has expired",
            "AWS_SESSION_TOKEN", op="UploadPart"),
    Refusal("The session token is another's.", 400, "InvalidToken", "The provided token is malformed or otherwise invalid.", 77, "the session token is not valid",
            "unset it for a permanent key"),
    Refusal("The access key does not exist.", 403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 77,
            "the access key id is not known", "AWS_ACCESS_KEY_ID"),
    Refusal("The secret key does not belong to the key id.", 403, "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.", 77, "the signature does not match",
            "AWS_SECRET_ACCESS_KEY"),
    Refusal("The object is locked.", 403, "AccessDenied", LOCKED, 77, "the object is locked", "retention"),
    Refusal("The object is locked.", 400, "InvalidRequest", "Object is WORM protected and cannot be overwritten", 77, "the object is locked", "retention"),
    Refusal("The bucket has Object Lock, which wants a checksum with each upload.", 400, "InvalidRequest",
            "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters", 69, "wants a checksum", "--checksum sha256"),
    Refusal("The storage quota is used up.", 403, "QuotaExceeded", "The quota of the bucket is used up", 69, "the storage quota is used up", "raise the quota"),
    Refusal("The storage quota of MinIO is used up.", 400, "XMinioAdminBucketQuotaExceeded", "Bucket quota exceeded", 69, "the storage quota is used up", "raise the quota"),
    Refusal("The server does not know object tags.", 501, "NotImplemented", "Header 'x-amz-tagging' with value 'a=b' not implemented", 69, "does not know a header",
            "--s3-tagging none"),
    Refusal("S3 asks for fewer requests.", 503, "SlowDown", "Please reduce your request rate.", 75, "too many requests", "run again later"),
    Refusal("S3 has trouble.", 500, "InternalError", "We encountered an internal error. Please try again.", 75, "S3 failed", "run again later"),
]
