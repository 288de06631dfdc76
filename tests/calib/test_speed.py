"""Whether INT8 pays."""

from focus.calib._speed import Speed


def test_the_verdict_compares_the_fastest_ways():
    pays = Speed({"ONNX Runtime": {"FP32": 20.0, "INT8": 12.0}, "OpenVINO": {"FP32": 18.0, "bf16": 10.0, "INT8": 5.0}})
    assert pays.verdict == (
        "INT8 pays on this processor: OpenVINO INT8 5.0 ms, OpenVINO bf16 10.0 ms, 2.00 times as fast"
    )
    slow = Speed({"ONNX Runtime": {"FP32": 20.0, "INT8": 12.0}, "OpenVINO": {"FP32": 18.0, "bf16": 10.0, "INT8": 11.0}})
    assert slow.verdict == (
        "INT8 does not pay on this processor: OpenVINO INT8 11.0 ms, OpenVINO bf16 10.0 ms; run the FP32 file here"
    )
    hardly = Speed({"ONNX Runtime": {"FP32": 10.2, "INT8": 10.0}})
    assert hardly.verdict.startswith("INT8 does not pay on this processor")
