"""Foreign formats through the importer library. Expected values: files of others, where they are at hand."""
import pathlib

import numpy as np
import pytest

import aneref

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "models" / "coreml"
DIGITS = ROOT / "examples" / "digits"


def test_onnx_and_its_native_form_give_the_same():
    picture = np.zeros((28, 28), np.uint8)
    onnx, native = (aneref.load(DIGITS / name) for name in ("digits.onnx", "digits.anem"))
    assert onnx.predict({"image": picture}) == native.predict({"image": picture})


def test_foreign_bytes_are_recognised():
    model = aneref.load((DIGITS / "digits.onnx").read_bytes())
    assert [port.name for port in model.outputs] == ["probabilities"]
    assert model.inputs[0].image == "GRAYSCALE"


def test_files_that_are_no_models_are_refused(tmp_path):
    path = tmp_path / "words.onnx"
    path.write_text("no model")
    with pytest.raises(aneref.AnerefError):
        aneref.load(path)


@pytest.mark.parametrize("name, label", [("mnist_cnn_omaralbeik.mlmodel", "3"), ("derived/mnist_mlprogram_fp16_ios15.mlpackage", "3")])
def test_classifiers_of_others_answer_as_recorded(name, label):
    if not (SHARED / name).exists():
        pytest.skip("no models of others beside this repository")
    stem = pathlib.Path(name).name.rsplit(".", 1)[0]
    case = np.load(SHARED / "expected" / f"{stem}.case0.npz")
    model = aneref.load(SHARED / name)
    result = model.predict({key[4:]: case[key] for key in case.files if key.startswith("in__")})
    assert str(result["classLabel"]) == label
    probabilities = next(value for value in result.values() if isinstance(value, dict))
    expected = next(case[key] for key in case.files if key.startswith("out__") and case[key].size == 10)
    assert np.allclose(list(probabilities.values()), expected.reshape(-1), atol=2e-3)
